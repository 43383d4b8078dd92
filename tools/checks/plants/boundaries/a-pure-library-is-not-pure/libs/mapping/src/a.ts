import '@busbar/bus';
