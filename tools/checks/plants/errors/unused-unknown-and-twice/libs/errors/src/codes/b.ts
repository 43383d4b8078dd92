export const B = {
  TWICE_NAMED: {
    sentence: 's',
  },
};
