throw new BusbarError('WELL_USED');
throw new BusbarError('TWICE_NAMED');
throw new BusbarError('NOT_THERE');
