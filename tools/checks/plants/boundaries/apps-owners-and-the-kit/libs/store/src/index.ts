import { DataSource } from 'typeorm';
import { NestFactory } from '@nestjs/core';
export { DataSource, NestFactory };
