// CPU and memory of a process tree, by the operating system's own accounting (/proc).
import { readdirSync, readFileSync } from 'node:fs';

const TICKS = 100;

function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS };
}

function treeOf(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), statOf(name).parent);
    } catch {
      // It ended meanwhile.
    }
  }
  const tree = [pid];
  for (const one of tree) for (const [child, parent] of parents) if (parent === one) tree.push(child);
  return tree;
}

/** CPU seconds so far; anonymous memory (RssAnon + RssShmem) and mapped file pages in MB. */
export function figuresOf(pid) {
  const sum = { cpu: 0, anonymousMb: 0, mappedMb: 0 };
  for (const one of treeOf(pid)) {
    sum.cpu += statOf(one).cpu;
    const status = readFileSync(`/proc/${one}/status`, 'utf8');
    const kb = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    sum.anonymousMb += (kb('RssAnon') + kb('RssShmem')) / 1024;
    sum.mappedMb += kb('RssFile') / 1024;
  }
  return sum;
}
