import { Module } from '@nestjs/common';
export { Module };
