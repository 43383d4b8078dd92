bus.publish([{ topic: 'control.granted.v1', key: 'x' }]);
