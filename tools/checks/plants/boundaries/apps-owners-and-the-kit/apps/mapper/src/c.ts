import '../../arbiter/src/index.js';
