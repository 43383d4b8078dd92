import '@busbar/driver-two';
