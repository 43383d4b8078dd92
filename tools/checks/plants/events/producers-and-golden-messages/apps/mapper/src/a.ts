bus.publish([{ topic: 'tags.sampled.v1', key: 'x' }]);
bus.follow('control.granted.v1', f);
bus.consume('tags.sampled.v1', 'mapper', f);
bus.table('tags.lost.v1');
