export { busbarCommand, runCommand } from './busbar-command.js';
