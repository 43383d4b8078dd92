export * from '@busbar/model';
