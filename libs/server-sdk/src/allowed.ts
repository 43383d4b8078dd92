import type { ServerClientConfig } from './server.js';

interface Block {
  /** Octets of the address: 4, or 16. An IPv4 address within IPv6 (`::ffff:`) counts as IPv4. */
  readonly octets: readonly number[];
  readonly bits: number;
}

function ipv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) as string;
  const tail = last.includes('.') ? ipv4(last) : [];
  if (!tail) return undefined;
  const heads = tail.length > 0 ? parts.slice(0, -1) : parts;
  if (!heads.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  const octets = heads.flatMap((part) => {
    const group = Number.parseInt(part, 16);
    return [group >> 8, group & 0xff];
  });
  return [...octets, ...tail];
}

/** RFC 4291 §2.2: eight groups, one run of zeros as `::`, the last 32 bits as IPv4. */
function ipv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groups(halves[0] as string), groups(halves[1] ?? '')];
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  const isShort = halves.length === 2;
  if (isShort ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(isShort ? missing : 0).fill(0), ...tail];
}

function blockOf(text: string): Block | undefined {
  const [address = '', length, ...more] = text.split('/');
  if (more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const octets = address.includes(':') ? ipv6(address) : ipv4(address);
  if (!octets) return undefined;
  const bits = length === undefined ? octets.length * 8 : Number(length);
  if (bits > octets.length * 8) return undefined;
  const isMapped = octets.length === 16 && octets.slice(0, 10).every((octet) => octet === 0);
  if (isMapped && octets[10] === 255 && octets[11] === 255 && bits >= 96) {
    return { octets: octets.slice(12), bits: bits - 96 };
  }
  return { octets, bits };
}

function holds(block: Block, octets: readonly number[]): boolean {
  if (block.octets.length !== octets.length) return false;
  for (let i = 0, rest = block.bits; rest > 0; i++, rest -= 8) {
    const mask = rest >= 8 ? 0xff : (0xff << (8 - rest)) & 0xff;
    if (((block.octets[i] as number) & mask) !== ((octets[i] as number) & mask)) return false;
  }
  return true;
}

/** Is it an IP address or CIDR block (`10.0.0.0/8`, `2001:db8::/32`)? */
export function isAddressBlock(text: string): boolean {
  return blockOf(text) !== undefined;
}

/**
 * The configured client that connects from this address: the one of the narrowest block, of equal ones the first; a
 * client without addresses comes from anywhere. Undefined: nobody may connect from there.
 *
 * @param address as a socket tells it: `10.0.0.7`, `::ffff:10.0.0.7`, `fe80::1%eth0`.
 */
export function allowed(address: string, clients: readonly ServerClientConfig[]): ServerClientConfig | undefined {
  const from = blockOf(address.split('%')[0] as string);
  if (!from) return undefined;
  let best: ServerClientConfig | undefined;
  let bestBits = -2;
  for (const client of clients) {
    const bits = client.addresses.length === 0 ? -1 : narrowest(client.addresses, from.octets);
    if (bits === undefined || bits <= bestBits) continue;
    best = client;
    bestBits = bits;
  }
  return best;
}

function narrowest(blocks: readonly string[], octets: readonly number[]): number | undefined {
  const bits = blocks.flatMap((text) => {
    const block = blockOf(text);
    return block && holds(block, octets) ? [block.bits] : [];
  });
  return bits.length === 0 ? undefined : Math.max(...bits);
}
