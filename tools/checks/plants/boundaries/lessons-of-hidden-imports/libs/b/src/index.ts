export * from '@busbar/a';
