import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, chownSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './ports.js';
import { until } from './until.js';

/** Path of a program, also where those of administrators are; undefined: it is not installed. */
export function programPath(name: string): string | undefined {
  return ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Root may read everything, so that the servers run as somebody else. */
function nobody(): { readonly uid: number; readonly gid: number; readonly name: string } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (option: string): number => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g'), name: 'nobody' };
}

/** Gives a folder or file to the user that the servers run as. */
export function giveToServers(path: string): void {
  const user = nobody();
  if (user) chownSync(path, user.uid, user.gid);
}

export interface FileServer {
  readonly host: string;
  readonly port: number;
  readonly output: () => string;
  stop(): Promise<void>;
}

function run(
  program: string,
  args: readonly string[],
): { child: ChildProcess; output: () => string; stop(): Promise<void> } {
  const user = nobody();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-100_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return {
    child,
    output: () => output,
    stop: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function untilListening(
  host: string,
  port: number,
  what: { child: ChildProcess; output: () => string },
): Promise<void> {
  await until(`a server at ${host}:${port}`, () => {
    if (what.child.exitCode !== null) throw new Error(`it ended: ${what.output()}`);
    return new Promise<boolean>((resolve) => {
      const socket = connect(port, host, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  });
}

export interface Vsftpd extends FileServer {
  /** The first port of data connections. */
  readonly dataPort: number;
  /** PEM of the server's certificate, when it speaks TLS. */
  readonly certificate: string | undefined;
}

export interface VsftpdOptions {
  readonly host?: string;
  readonly tls?: boolean;
  /** How many data connections there may be at once. */
  readonly dataPorts?: number;
}

/** A real vsftpd that offers `root` to the user `anonymous`, who may write; at an address of its own. */
export async function startVsftpd(
  folder: string,
  root: string,
  { host = '127.0.0.1', tls = false, dataPorts = 1 }: VsftpdOptions = {},
): Promise<Vsftpd> {
  const program = programPath('vsftpd');
  if (!program) throw new Error('vsftpd is not installed');
  mkdirSync(folder, { recursive: true });
  giveToServers(folder);
  const port = await freePorts(1 + dataPorts);
  let certificate: string | undefined;
  const lines = [
    'listen=YES',
    `listen_address=${host}`,
    `listen_port=${port}`,
    'background=NO',
    'run_as_launching_user=YES',
    'anonymous_enable=YES',
    'no_anon_password=YES',
    `anon_root=${root}`,
    'write_enable=YES',
    'anon_upload_enable=YES',
    'anon_mkdir_write_enable=YES',
    'anon_other_write_enable=YES',
    'allow_writeable_chroot=YES',
    'seccomp_sandbox=NO',
    'connect_from_port_20=NO',
    `pasv_min_port=${port + 1}`,
    `pasv_max_port=${port + dataPorts}`,
    'pasv_promiscuous=YES',
    'use_localtime=NO',
    `vsftpd_log_file=${join(folder, 'vsftpd.log')}`,
    'xferlog_enable=YES',
  ];
  if (tls) {
    const [key, pem] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=files.test', '-addext', 'subjectAltName=DNS:files.test'];
    const how = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', pem];
    execFileSync('openssl', [...how, ...subject], { stdio: 'ignore' });
    chmodSync(key, 0o644);
    certificate = readFileSync(pem, 'utf8');
    lines.push('ssl_enable=YES', 'allow_anon_ssl=YES', 'force_anon_logins_ssl=YES', 'force_anon_data_ssl=YES');
    lines.push('ssl_tlsv1=YES', 'require_ssl_reuse=NO', `rsa_cert_file=${pem}`, `rsa_private_key_file=${key}`);
  }
  const config = join(folder, 'vsftpd.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  giveToServers(config);
  const server = run(program, [config]);
  await untilListening(host, port, server);
  return { host, port, dataPort: port + 1, certificate, output: server.output, stop: server.stop };
}

export interface Sshd extends FileServer {
  readonly user: string;
  /** Private key that lets the user in. */
  readonly privateKey: string;
  /** Fingerprint of the host key. */
  readonly hostKey: string;
}

/** A real OpenSSH server that lets the user in who it runs as, with the whole file system by SFTP. */
export async function startSshd(folder: string): Promise<Sshd> {
  const program = programPath('sshd');
  if (!program) throw new Error('sshd is not installed');
  mkdirSync(folder, { recursive: true });
  giveToServers(folder);
  const port = await freePorts(1);
  const [hostKey, userKey, authorized] = ['host', 'user', 'authorized_keys'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [hostKey, userKey]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  giveToServers(hostKey);
  writeFileSync(authorized, readFileSync(`${userKey}.pub`));
  const config = join(folder, 'sshd_config');
  writeFileSync(
    config,
    `ListenAddress 127.0.0.1
Port ${port}
HostKey ${hostKey}
PidFile none
UsePAM yes
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile ${authorized}
Subsystem sftp internal-sftp
LogLevel ERROR
`,
  );
  const server = run(program, ['-D', '-e', '-f', config]);
  await untilListening('127.0.0.1', port, server);
  const blob = Buffer.from(readFileSync(`${hostKey}.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
  const fingerprint = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return {
    host: '127.0.0.1',
    port,
    user: nobody()?.name ?? userInfo().username,
    privateKey: readFileSync(userKey, 'utf8'),
    hostKey: `SHA256:${fingerprint}`,
    output: server.output,
    stop: server.stop,
  };
}
