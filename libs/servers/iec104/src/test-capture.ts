import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PORT = 2404;
/** LINKTYPE_RAW: packets begin with their IP header. */
const RAW_IP = 101;

type Side = 'master' | 'server';

export function hasTshark(): boolean {
  return spawnSync('tshark', ['-v']).status === 0;
}

/** What went over a link, an APDU per TCP segment, for tshark (Wireshark) to read: a third opinion on every octet. */
export class Capture {
  readonly #packets: Buffer[] = [];
  readonly #rest: Record<Side, Buffer> = { master: Buffer.alloc(0), server: Buffer.alloc(0) };
  readonly #next: Record<Side, number> = { master: 1, server: 1 };

  /** Hears both directions of a master's socket. */
  tap(socket: Socket): void {
    const write = socket.write.bind(socket) as (octets: Uint8Array) => boolean;
    socket.write = ((octets: Uint8Array) => {
      this.#heard('master', octets);
      return write(octets);
    }) as Socket['write'];
    socket.on('data', (chunk: Buffer) => this.#heard('server', chunk));
  }

  /** One row per frame in order, by field name; several values of a field in order. Throws if tshark fails. */
  read(fields: readonly string[]): Record<string, string[]>[] {
    const folder = mkdtempSync(join(tmpdir(), 'busbar-capture-'));
    try {
      const file = join(folder, 'link.pcap');
      writeFileSync(file, Buffer.concat([fileHead(), ...this.#packets]));
      const columns = fields.flatMap((field) => ['-e', field]);
      const how = ['-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=;'];
      const dissector = `tcp.port==${PORT},iec60870_104`;
      const { status, stdout, stderr } = spawnSync('tshark', ['-n', '-r', file, '-d', dissector, ...how, ...columns], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      });
      if (status !== 0) throw new Error(`tshark ends with ${status}: ${stderr}`);
      const lines = stdout.split('\n').slice(0, -1);
      return lines.map((line) => {
        const cells = line.split('\t');
        return Object.fromEntries(fields.map((field, at) => [field, cells[at] ? cells[at].split(';') : []]));
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #heard(from: Side, octets: Uint8Array): void {
    let data = Buffer.concat([this.#rest[from], octets]);
    while (data.length >= 2 && data.length >= 2 + data.readUInt8(1)) {
      const end = 2 + data.readUInt8(1);
      this.#packets.push(this.#packet(from, data.subarray(0, end)));
      data = data.subarray(end);
    }
    this.#rest[from] = Buffer.from(data);
  }

  /** A record of the file: its head, IPv4 and TCP without options; checksums are 0, which tshark does not mind. */
  #packet(from: Side, payload: Buffer): Buffer {
    const to = from === 'master' ? 'server' : 'master';
    const total = 40 + payload.length;
    const head = Buffer.alloc(16 + 40);
    head.writeUInt32LE(this.#packets.length, 0);
    head.writeUInt32LE(total, 8);
    head.writeUInt32LE(total, 12);
    const ip = head.subarray(16);
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(total, 2);
    ip.writeUInt8(64, 8);
    ip.writeUInt8(6, 9);
    const hosts = { master: 0x0a_09_00_0b, server: 0x0a_09_00_01 };
    ip.writeUInt32BE(hosts[from], 12);
    ip.writeUInt32BE(hosts[to], 16);
    const tcp = ip.subarray(20);
    const ports = { master: 40_000, server: PORT };
    tcp.writeUInt16BE(ports[from], 0);
    tcp.writeUInt16BE(ports[to], 2);
    tcp.writeUInt32BE(this.#next[from], 4);
    tcp.writeUInt32BE(this.#next[to], 8);
    // Five words of header, PSH and ACK.
    tcp.writeUInt16BE(0x50_18, 12);
    tcp.writeUInt16BE(0xffff, 14);
    this.#next[from] += payload.length;
    return Buffer.concat([head, payload]);
  }
}

/** Of a pcap file, version 2.4, times in microseconds. */
function fileHead(): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0xffff, 16);
  head.writeUInt32LE(RAW_IP, 20);
  return head;
}
