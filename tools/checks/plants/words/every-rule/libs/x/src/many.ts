export function f(a: 1, b: 2, c: 3, d: 4) {}
export class K { constructor(a: 1, b: 2, c: 3, d: 4, e: 5, f: 6) {} method(a: 1, b: 2, c: 3, d: 4) {} put(a: 1, b: 2, c: 3, d: 4) {} #own(a: 1, b: 2, c: 3, d: 4) {} }
function inner(a: 1, b: 2, c: 3, d: 4, e: 5) {}
function much(a: 1, b: 2, c: 3, d: 4, e: 5, f: 6) {}
export const three = (a: 1, b: 2, c: 3) => 1;
