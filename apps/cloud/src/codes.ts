/** Return codes of EnOS; those below are public, the last two are ours in the band of device and data errors. */
export const CODE = {
  ok: 200,
  tooLarge: 1008,
  notLoggedIn: 1009,
  undefinedPoint: 1204,
  notJson: 1220,
  empty: 1251,
  wrongMethod: 1260,
  loginRefused: 705,
  malformed: 805,
} as const;

export const CODE_MESSAGES: Readonly<Record<number, string>> = {
  [CODE.ok]: '',
  [CODE.tooLarge]: 'message too large',
  [CODE.notLoggedIn]: 'topic unknown, or device not logged in',
  [CODE.undefinedPoint]: 'measure point not defined in the model',
  [CODE.notJson]: 'payload is not valid JSON',
  [CODE.empty]: 'payload is empty',
  [CODE.wrongMethod]: 'method does not match the topic',
  [CODE.loginRefused]: 'identity, signature or topology is not right',
  [CODE.malformed]: 'params are malformed',
};
