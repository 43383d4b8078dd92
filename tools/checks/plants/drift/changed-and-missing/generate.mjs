export const generate = () => ({ 'a.txt': 'fresh\n', 'b.txt': 'fresh\n', 'c.txt': 'same\n' });
