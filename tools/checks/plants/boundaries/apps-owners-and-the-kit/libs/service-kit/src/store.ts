import '@busbar/store';
