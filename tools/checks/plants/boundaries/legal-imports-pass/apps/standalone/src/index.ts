import '@busbar/collector';
