import '@busbar/sink-sdk';
