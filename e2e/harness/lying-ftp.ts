import { createServer, type Server, type Socket } from 'node:net';

/** What a server says of a file, and what it really sends. */
export interface Lie {
  readonly name: string;
  readonly announced: number;
  readonly content: Buffer;
}

/** A small FTP server that announces other sizes (MLSD, SIZE) than it delivers, and ends each transfer as if all were well. */
export class LyingFtp {
  readonly #server: Server;
  readonly #lies: readonly Lie[];
  readonly #sockets = new Set<Socket>();
  readonly reads: string[] = [];

  private constructor(server: Server, lies: readonly Lie[]) {
    this.#server = server;
    this.#lies = lies;
  }

  static async start(lies: readonly Lie[]): Promise<LyingFtp> {
    const server = createServer();
    const ftp = new LyingFtp(server, lies);
    server.on('connection', (socket) => ftp.#serve(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return ftp;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(control: Socket): void {
    this.#keep(control);
    const say = (line: string): void => void control.write(`${line}\r\n`);
    let data: Promise<Socket> = Promise.reject(new Error('no data connection'));
    data.catch(() => undefined);
    let offset = 0;
    const send = async (content: Buffer): Promise<void> => {
      const socket = await data;
      say('150 here it comes');
      await new Promise<void>((resolve) => socket.end(content, resolve));
      say('226 all of it was sent');
    };
    /** The line to say; undefined: it is said later. */
    const answer = (verb: string, argument: string): string | undefined => {
      const found = this.#lies.find(({ name }) => argument.endsWith(`/${name}`));
      switch (verb) {
        case 'FEAT':
          return '211-\r\n MLST type*;size*;modify*;\r\n MDTM\r\n SIZE\r\n REST STREAM\r\n UTF8\r\n211 end';
        case 'EPSV':
          data = this.#passive(say);
          return undefined;
        case 'REST':
          offset = Number(argument);
          return '350 from there';
        case 'MLSD': {
          const facts = this.#lies.map(
            (lie) => `type=file;size=${lie.announced};modify=20260101000000; ${lie.name}\r\n`,
          );
          void send(Buffer.from(facts.join('')));
          return undefined;
        }
        case 'SIZE':
          return found ? `213 ${found.announced}` : '550 no such file';
        case 'MDTM':
          return found ? '213 20260101000000' : '550 no such file';
        case 'RETR':
          if (!found) return '550 no such file';
          this.reads.push(found.name);
          void send(found.content.subarray(offset));
          offset = 0;
          return undefined;
        case 'USER':
          return '230 in';
        case 'QUIT':
          return '221 bye';
        default:
          return '200 yes';
      }
    };
    let held = '';
    control.on('data', (chunk) => {
      held += chunk.toString();
      const lines = held.split('\r\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const space = line.indexOf(' ');
        const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
        const said = answer(verb, space < 0 ? '' : line.slice(space + 1));
        if (said !== undefined) say(said);
      }
    });
    say('220 a server that lies');
  }

  /** The next data connection, at a port that is told. */
  #passive(say: (line: string) => void): Promise<Socket> {
    const passive = createServer();
    passive.listen(0, '127.0.0.1', () => {
      const address = passive.address();
      say(`229 (|||${typeof address === 'object' && address ? address.port : 0}|)`);
    });
    return new Promise((resolve) => {
      passive.once('connection', (socket) => {
        this.#keep(socket);
        passive.close();
        resolve(socket);
      });
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }
}
