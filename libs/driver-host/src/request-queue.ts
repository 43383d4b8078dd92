import type { SideValue } from '@busbar/batch';
import type { DriverFault, ReadOutcome } from '@busbar/driver-sdk';
import { bad, type Quality } from '@busbar/model';
import type { Channel } from './channel.js';
import type { DeviceRunner } from './device-runner.js';
import { faultOf, reasonOf } from './diagnosis.js';
import type { PollGroup } from './poll-group.js';
import type { DriverHostPorts } from './ports.js';
import type { Scheduler } from './scheduler.js';
import { type NotSentReason, notSent, type PendingWrite, toReport } from './write-queue.js';

/** One value read out of turn. */
export interface Reading {
  readonly value: number | SideValue | null;
  readonly quality: Quality;
  /** Epoch ms. */
  readonly collectedMs: number;
  /** Monotonic ms just before the request was sent: the value is not older. */
  readonly collectedMonotonicMs: number;
}

interface Scan {
  readonly group: PollGroup;
  readonly device: DeviceRunner;
  /** A single read out of turn. */
  readonly settle: ((reading: Reading) => void) | null;
  sentMs: number;
}

export interface QueueListener {
  readonly channel: Channel | null;
  readonly generation: number;
  /** A request was answered, by a refusal or not. */
  answered(device: DeviceRunner): void;
  refused(device: DeviceRunner, request: string, reason: string): void;
  faulted(fault: DriverFault, device: DeviceRunner): void;
  /** The session ended after it had worked; a read waits for the next one. */
  sessionClosed(): void;
  /** A write ended unknown; the session may have ended with it. */
  writeUnknown(device: DeviceRunner, sessionEnded: boolean): void;
  defect(reason: string): void;
}

/** The order of requests on a channel: one at a time; writes, then single reads, then scans as they fell due. */
export class RequestQueue {
  readonly #ports: DriverHostPorts;
  readonly #scheduler: Scheduler;
  readonly #listener: QueueListener;
  #writes: PendingWrite[] = [];
  #singles: Scan[] = [];
  #scans: Scan[] = [];
  #current: Scan | null = null;
  #cancelPause: (() => void) | null = null;
  /** The write under way, settled whatever becomes of it. */
  writing: Promise<void> | null = null;

  constructor(ports: DriverHostPorts, scheduler: Scheduler, listener: QueueListener) {
    this.#ports = ports;
    this.#scheduler = scheduler;
    this.#listener = listener;
  }

  addWrite(write: PendingWrite): void {
    this.#writes.push(write);
    this.pump();
  }

  addScan(group: PollGroup, device: DeviceRunner): void {
    group.isQueued = true;
    group.next = 0;
    this.#scans.push({ group, device, settle: null, sentMs: 0 });
    this.pump();
  }

  addSingle(group: PollGroup, device: DeviceRunner, settle: (reading: Reading) => void): void {
    group.isQueued = true;
    this.#singles.push({ group, device, settle, sentMs: 0 });
    this.pump();
  }

  /** Writes that wait end without being sent. */
  endWrites(reason: NotSentReason, device?: DeviceRunner): void {
    const ended = this.#writes.filter((write) => device === undefined || write.device === device);
    this.#writes = this.#writes.filter((write) => !ended.includes(write));
    for (const write of ended) write.settle(notSent(reason));
  }

  /** Takes the reads of a device out of the queue, all without one. */
  dequeue(device?: DeviceRunner): void {
    const waiting = [...this.#singles, ...this.#scans];
    for (const scan of waiting) {
      if ((device === undefined || scan.device === device) && scan !== this.#current) this.#abandon(scan);
    }
  }

  /** The session is gone, and with it the request under way. */
  dropCurrent(): void {
    this.#cancelPause?.();
    this.#cancelPause = null;
    const scan = this.#current;
    this.#current = null;
    if (!scan) return;
    this.#abandon(scan);
    scan.group.writer = scan.group.writer.successor();
  }

  /** Leaves the channel alone for a while. */
  pause(ms: number): void {
    this.#cancelPause?.();
    this.#cancelPause = this.#scheduler.after(ms, () => {
      this.#cancelPause = null;
      this.pump();
    });
  }

  pump(): void {
    const channel = this.#listener.channel;
    if (channel === null || !channel.isFree || this.#current !== null || this.#cancelPause !== null) return;
    const write = this.#writes.shift();
    if (write) {
      this.#runWrite(channel, write);
      return;
    }
    let scan = this.#singles[0] ?? this.#scans[0];
    while (scan && scan.group.next >= scan.group.requests.length) {
      this.#finish(scan);
      scan = this.#singles[0] ?? this.#scans[0];
    }
    const request = scan?.group.requests[scan.group.next];
    if (!scan || !request) return;
    this.#current = scan;
    if (scan.group.next === 0) scan.sentMs = this.#ports.clock.monotonicMs();
    scan.group.writer.begin(scan.group.next);
    channel.read(request, scan.group.writer);
  }

  readDone(outcome: ReadOutcome): void {
    const scan = this.#current;
    this.#current = null;
    const request = scan?.group.requests[scan.group.next];
    if (!scan || !request) return;
    const { group, device } = scan;
    if (outcome.kind === 'refused') {
      group.split(this.#scheduler.now());
      this.#listener.answered(device);
      this.#listener.refused(device, request.text, outcome.reason);
    } else {
      const missing = group.writer.end(request.tags);
      group.answered(this.#scheduler.now());
      group.next++;
      this.#listener.answered(device);
      if (missing > 0) this.#listener.defect(`${missing} tags were left without an answer`);
    }
    this.pump();
  }

  readFailed(error: unknown): void {
    const scan = this.#current;
    this.#current = null;
    if (!scan) return;
    const { group, device } = scan;
    const fault = faultOf(error);
    if (fault?.kind === 'connection-lost' && (this.#listener.channel?.answerCount ?? 0) > 0) {
      // Closed by the other end, perhaps long ago, as some devices do after a while: the read goes on in a new session.
      group.writer.stop();
      this.#listener.sessionClosed();
      return;
    }
    if (fault !== null) {
      this.#abandon(scan);
      this.#listener.faulted(fault, device);
      return;
    }
    group.writer.end(group.requests[group.next]?.tags ?? []);
    group.next++;
    this.#listener.defect(reasonOf(error));
    this.pump();
  }

  #runWrite(channel: Channel, write: PendingWrite): void {
    // The gate, the lease and the first octet share this turn of the event loop (at most once, rule of the lease).
    if (!this.#ports.isLeased('write') || !write.gate()) {
      write.settle(notSent('GATE'));
      this.pump();
      return;
    }
    this.writing = channel.write(write.command).then(
      (result) => {
        this.writing = null;
        write.settle(toReport(result));
        if (this.#listener.channel !== channel) return;
        if (result.outcome === 'unknown') this.#listener.writeUnknown(write.device, result.sessionEnded === true);
        else if (result.sessionEnded) this.#listener.writeUnknown(write.device, true);
        this.pump();
      },
      (error) => {
        this.writing = null;
        const fault = faultOf(error);
        const reason = fault?.kind === 'connection-lost' ? 'LINK_LOST' : 'NO_ANSWER';
        write.settle({ outcome: 'unknown', reason, answer: reasonOf(error) });
        if (this.#listener.channel !== channel) return;
        if (fault) this.#listener.faulted(fault, write.device);
        else this.#listener.defect(reasonOf(error));
        this.pump();
      },
    );
  }

  #finish(scan: Scan): void {
    this.#remove(scan);
    scan.group.putStanding(this.#scheduler.now());
    if (scan.settle) this.#settle(scan, scan.settle);
    else scan.device.publish(scan.group);
  }

  /** Ends a scan before its time: what it has is published, the rest keeps its age. */
  #abandon(scan: Scan): void {
    scan.group.writer.stop();
    this.#remove(scan);
    if (scan.settle) this.#settle(scan, scan.settle);
    else scan.device.publish(scan.group);
  }

  #remove(scan: Scan): void {
    scan.group.isQueued = false;
    const queue = scan.settle ? this.#singles : this.#scans;
    if (queue[0] === scan) queue.shift();
    else queue.splice(queue.indexOf(scan), 1);
  }

  #settle(scan: Scan, settle: (reading: Reading) => void): void {
    const writer = scan.group.writer;
    const batch = writer.finish({ key: scan.device.config.id, generation: this.#listener.generation });
    settle({
      value: batch && writer.hasValue(0) ? (writer.lastSide?.get(0) ?? (writer.lastValue[0] as number)) : null,
      quality: batch ? (writer.lastQuality[0] as Quality) : bad('not-connected'),
      collectedMs: batch?.collectedMs ?? this.#ports.clock.wallMs(),
      collectedMonotonicMs: scan.sentMs,
    });
  }
}
