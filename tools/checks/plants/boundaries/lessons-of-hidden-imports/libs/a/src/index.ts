import '@busbar/b';
