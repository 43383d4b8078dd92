import '@busbar/arbiter';
