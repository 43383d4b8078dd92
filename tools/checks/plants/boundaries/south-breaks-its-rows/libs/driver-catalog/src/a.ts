import '@busbar/model';
