// node tools/images/build.mjs [tag=busbar:dev] [base=<archive>] [archive=<file>]: the image from docker/Dockerfile, without a daemon.
// base: a docker-archive that holds the NODE_IMAGE, where no registry can be reached. archive: the image as one file.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { failed, Plain, root, run } from '../prepare.mjs';

export const NODE_IMAGE = process.env.NODE_IMAGE || 'node:20-bookworm-slim';

export const hasBuildah = () => {
  try {
    execFileSync('buildah', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const answers = (command, args) => {
  try {
    return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};

/** Short names are those of the well-known registry, as charts and Dockerfiles mean them. */
export const fullName = (name) =>
  name.split('/')[0].match(/[.:]/) && name.includes('/')
    ? name
    : `docker.io/${name.includes('/') ? '' : 'library/'}${name}`;

export const hasImage = (image) => answers('buildah', ['inspect', '--type', 'image', fullName(image)]) !== undefined;

/** Takes one image out of an archive of several; true if it is there. */
export async function pullFromArchive(archive, image) {
  const name = fullName(image);
  if (hasImage(name)) return true;
  try {
    const pulled = await run('buildah', ['pull', '--quiet', `docker-archive:${archive}:${name}`]);
    await run('buildah', ['tag', pulled.trim().split('\n').at(-1), name]);
    return true;
  } catch {
    return false;
  }
}

/** Size of an image, all its layers unpacked. */
export function imageBytes(tag) {
  const [image] = JSON.parse(execFileSync('buildah', ['images', '--json', tag], { encoding: 'utf8' }));
  const [, figure, unit] = /^([\d.]+) ([KMG]?)B$/.exec(image.size) ?? [];
  return Number(figure) * { '': 1, K: 1e3, M: 1e6, G: 1e9 }[unit];
}

/** Builds a Dockerfile of this repository; each of `inputs` is passed on as an argument of buildah. */
export async function buildImage({ tag, file, context = root, inputs = [] }) {
  if (!hasBuildah()) throw new Plain('buildah is missing: install it (Debian: buildah).');
  const args = ['bud', '--layers', '--isolation', 'chroot', '--network', 'host', '--format', 'docker'];
  await run('buildah', [...args, ...inputs, '-f', file, '-t', tag, context], { what: `The image ${tag}` });
}

export async function buildBusbar({ tag, base }) {
  if (base) await pullFromArchive(resolve(base), NODE_IMAGE);
  const inputs = ['--build-arg', `NODE_IMAGE=${fullName(NODE_IMAGE)}`];
  const npmrc = answers('npm', ['config', 'get', 'userconfig']);
  if (npmrc && existsSync(npmrc)) inputs.push('--secret', `id=npmrc,src=${npmrc}`);
  const cache = answers('npm', ['config', 'get', 'cache']);
  if (cache && existsSync(cache)) inputs.push('--volume', `${cache}:/root/.npm`);
  await buildImage({ tag, file: join(root, 'docker', 'Dockerfile'), inputs });
}

/**
 * Images into one file, as `ctr images import` and `docker load` read it; a layer that several have is in it once.
 * Each is a tag, or `{ tag, as }` to give it another name there.
 */
export async function saveImages(images, archive) {
  const work = mkdtempSync(join(dirname(resolve(archive)), '.images-'));
  try {
    const manifest = [];
    for (const image of images) {
      const single = join(work, 'single.tar');
      const tag = image.tag ?? image;
      const name = fullName(image.as ?? tag);
      await run('buildah', ['push', '--quiet', tag, `docker-archive:${single}:${name}`], {
        what: `The archive of ${tag}`,
      });
      await run('tar', ['-C', work, '-xf', single]);
      rmSync(single);
      manifest.push(...JSON.parse(readFileSync(join(work, 'manifest.json'), 'utf8')));
    }
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
    const names = ['manifest.json', ...manifest.flatMap(({ Config, Layers }) => [Config, ...Layers])];
    await run('tar', ['-C', work, '-cf', resolve(archive), ...new Set(names)]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function main() {
  const given = Object.fromEntries(process.argv.slice(2).map((argument) => argument.split(/=(.*)/s, 2)));
  const tag = given.tag ?? 'busbar:dev';
  const started = Date.now();
  await buildBusbar({ tag, base: given.base });
  process.stdout.write(`${tag} built in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  if (given.archive) await saveImages([tag], resolve(given.archive));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main().catch(failed);
