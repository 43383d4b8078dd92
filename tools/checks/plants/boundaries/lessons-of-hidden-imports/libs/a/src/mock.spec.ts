vi.mock('@busbar/bus');
