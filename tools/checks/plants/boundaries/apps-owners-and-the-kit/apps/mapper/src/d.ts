import '@busbar/driver-sdk';
