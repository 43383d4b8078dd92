// An IEC 104 master outside the cluster: a program that we did not write, in a network of its own where the node is here.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../prepare.mjs';

const NETWORK = 'busbar-master';
const GATEWAY = '10.98.104.1';
const MASTER = '10.98.104.2';
const STRANGER = '10.98.104.3';

/** Connects from an address of its own, sends STARTDT, and says what came of it. */
const KNOCK = `import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5, (sys.argv[3], 0))
s.settimeout(5)
try:
    s.sendall(bytes.fromhex("680407000000"))
    print("answered" if s.recv(16) else "closed")
except ConnectionError:
    print("closed")
except TimeoutError:
    print("silent")`;

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });

function addressTowards(node) {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.connect(2404, node, () => {
      resolve(socket.address().address);
      socket.close();
    });
  });
}

/** The Python with c104, or undefined. */
export function pythonWithMaster() {
  return [join(root, '.cache', 'venv', 'bin', 'python'), 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import c104']).status === 0,
  );
}

export class OutsideMaster {
  #command = [];
  #child;
  #lines;

  constructor(python, node) {
    this.python = python;
    this.node = node;
  }

  /** Makes the network; afterwards `address` is what the plant should see, `stranger` one that is not let in, if there is one. */
  async open() {
    const isHere = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === this.node));
    if (isHere && process.getuid?.() === 0) {
      this.#removeNetwork();
      ip('netns', 'add', NETWORK);
      ip('link', 'add', NETWORK, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NETWORK);
      ip('addr', 'add', `${GATEWAY}/24`, 'dev', NETWORK);
      ip('link', 'set', NETWORK, 'up');
      for (const address of [MASTER, STRANGER]) ip('-n', NETWORK, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      ip('-n', NETWORK, 'link', 'set', 'eth0', 'up');
      ip('-n', NETWORK, 'link', 'set', 'lo', 'up');
      ip('-n', NETWORK, 'route', 'add', 'default', 'via', GATEWAY);
      this.#command = ['ip', 'netns', 'exec', NETWORK];
      this.address = MASTER;
      this.stranger = STRANGER;
    } else this.address = await addressTowards(this.node);
    return this;
  }

  connect(port, events) {
    const script = join(root, 'e2e', 'peers', 'iec104_master.py');
    const [program, ...args] = [...this.#command, this.python, '-u', script, port, events, this.node];
    this.#child = spawn(program, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the master ended');
    return JSON.parse(value);
  }

  /** How the port receives an address that is on nobody's list. */
  knock(port) {
    const [program, ...args] = [...this.#command, this.python, '-c', KNOCK, this.node, String(port), this.stranger];
    return execFileSync(program, args, { encoding: 'utf8' }).trim();
  }

  async disconnect() {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async close() {
    await this.disconnect();
    if (this.#command.length > 0) this.#removeNetwork();
  }

  #removeNetwork() {
    spawnSync('ip', ['netns', 'del', NETWORK]);
    spawnSync('ip', ['link', 'del', NETWORK]);
  }
}
