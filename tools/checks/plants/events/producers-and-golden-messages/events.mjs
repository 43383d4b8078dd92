export const TOPICS = {
  'tags.sampled.v1': { producers: ['collector'], consumers: ['mapper'] },
  'control.granted.v1': { producers: ['arbiter'], consumers: ['collector'] },
  'nobody.asked.v1': { producers: ['api'], consumers: [] },
  Odd: { producers: ['api'], consumers: [] },
};
export function decodeJson(topic, octets) {
  const message = JSON.parse(octets.toString());
  if (typeof message.id !== 'string') throw new Error('id is no text');
}
