export { ApiModule } from './api.module.js';
export { loadPlugins } from './plugins.js';
