import { Module } from '@nestjs/common';
import '@busbar/service-kit';
import '@busbar/driver-catalog';
export { Module };
