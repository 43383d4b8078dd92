export const A = {
  NEVER_USED: {
    sentence: 's',
  },
  TWICE_NAMED: {
    sentence: 's',
  },
  WELL_USED: {
    sentence: 's',
  },
};
