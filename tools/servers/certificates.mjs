// Certificates for tests: an authority of its own for each, and what it signs, made by the openssl program.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Plain } from '../prepare.mjs';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(folder, args) {
  try {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Plain('No openssl program: install it to make the certificates of the tests.');
    throw new Plain(`openssl ${args[0]} failed: ${error.stderr}`);
  }
}

/** `issue(name, hosts)` signs a certificate for those names and addresses; all paths are of PEM files in the folder. */
export function makeAuthority(folder, name = 'test authority') {
  mkdirSync(folder, { recursive: true });
  const ca = join(folder, 'ca.crt');
  openssl(folder, ['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', 'ca.key', '-out', ca]);
  const issue = (subject, hosts = ['localhost', '127.0.0.1']) => {
    const [cert, key] = [join(folder, `${subject}.crt`), join(folder, `${subject}.key`)];
    openssl(folder, ['req', ...NEW_KEY, '-subj', `/CN=${subject}`, '-keyout', key, '-out', `${subject}.csr`]);
    const names = hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join(',');
    writeFileSync(join(folder, `${subject}.ext`), `subjectAltName=${names}\n`);
    const sign = ['x509', '-req', '-in', `${subject}.csr`, '-CA', ca, '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl(folder, [...sign, '-days', '2', '-extfile', `${subject}.ext`, '-out', cert]);
    const both = join(folder, `${subject}.pem`);
    writeFileSync(both, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
    return { cert, key, both };
  };
  return { ca, issue };
}
