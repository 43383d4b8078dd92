import '@busbar/model/src/index.js';
