// A block read of Modbus TCP never mixes two scans: a million reads beside a scan in every turn of the server's loop.
//   node bench/forwarding/scan-consistency.mjs [--reads 1000000]
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { startPlant } from './plant.mjs';

const { values } = parseArgs({ options: { reads: { type: 'string', default: '1000000' } } });
const reads = Number(values.reads);
/** As many as the server queues. */
const UNDER_WAY = 16;
const REPLY = 9 + 14;

const plant = await startPlant('modbus');
const socket = connect({ port: plant.port, host: '127.0.0.1', noDelay: true });
const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 7]);
const many = Buffer.concat(new Array(UNDER_WAY).fill(request));
const began = performance.now();
let [done, mixed, changes, last] = [0, 0, 0, -1];
let rest = Buffer.alloc(0);

function judge(reply) {
  if (reply[7] !== 4 || reply[8] !== 14) throw new Error(`not an answer: ${reply.toString('hex')}`);
  const number = reply.readUInt32BE(9);
  if (reply.readUInt16BE(13) !== number % 65_535 || reply.readDoubleBE(15) !== number) mixed++;
  if (number !== last) changes++;
  last = number;
}

await new Promise((resolve, reject) => {
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the server closed the link')));
  socket.on('data', (chunk) => {
    const data = Buffer.concat([rest, chunk]);
    let at = 0;
    for (; data.length - at >= REPLY; at += REPLY) {
      judge(data.subarray(at, at + REPLY));
      done++;
      if (done >= reads) return resolve();
      if (done % UNDER_WAY === 0) socket.write(many);
    }
    rest = Buffer.from(data.subarray(at));
  });
  socket.on('connect', () => socket.write(many));
});
const seconds = (performance.now() - began) / 1_000;
process.stdout.write(`${JSON.stringify({ reads: done, mixed, changes, seconds: Math.round(seconds * 10) / 10 })}\n`);
socket.destroy();
plant.stop();
if (mixed > 0) throw new Error('a reply mixes two scans');
if (changes < reads / 1_000) throw new Error('too few scans were seen to prove anything');
