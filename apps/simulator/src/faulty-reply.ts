import { encodeMbap, type MbapFrame } from '@busbar/protocol-modbus';
import type { FaultKind } from './faults.js';

/** Faults that put other octets on the wire at once; the rest is a matter of time and connection. */
export function spoil(kind: FaultKind, reply: MbapFrame): Buffer {
  const right = encodeMbap(reply);
  switch (kind) {
    case 'wrong-id':
      return encodeMbap({ ...reply, transaction: (reply.transaction + 1) & 0xffff });
    case 'foreign-unit':
      return encodeMbap({ ...reply, unit: (reply.unit % 247) + 1 });
    case 'wrong-length':
      return encodeMbap({ ...reply, pdu: shortened(reply.pdu) });
    case 'corrupt': {
      const wrong = Buffer.from(right);
      wrong.writeUInt16BE(1, 2);
      return Buffer.concat([wrong, right]);
    }
    case 'duplicate':
      return Buffer.concat([right, right]);
    case 'half-frame':
    case 'reset':
      return right.subarray(0, right.length >> 1);
    default:
      return right;
  }
}

/** A read reply loses its first register and stays well-formed, so that only comparing it with its request tells. */
function shortened(pdu: Uint8Array): Uint8Array {
  const octets = pdu[1] ?? 0;
  const fc = pdu[0] ?? 0;
  if ((fc === 3 || fc === 4) && octets >= 4) return Uint8Array.of(fc, octets - 2, ...pdu.subarray(4));
  return pdu.subarray(0, Math.max(1, pdu.length - 1));
}
