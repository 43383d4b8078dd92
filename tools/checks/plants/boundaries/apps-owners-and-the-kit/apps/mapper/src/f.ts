import { DataSource } from 'typeorm';
export { DataSource };
