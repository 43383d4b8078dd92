// The product's image from its Dockerfile, and on a node without a registry stand-ins for the images of Kafka and PostgreSQL.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildBusbar, buildImage, fullName, imageBytes, pullFromArchive, saveImages } from '../images/build.mjs';
import { Plain, root } from '../prepare.mjs';

const FOLDER = join(root, 'tools', 'kubernetes', 'stand-ins');

async function standIn({ bases, base, tag, file }) {
  if (!(await pullFromArchive(bases, base))) throw new Plain(`The base images hold no ${base}.`);
  const inputs = ['--build-arg', `BASE=${fullName(base)}`];
  await buildImage({ tag, file: join(FOLDER, file), context: FOLDER, inputs });
}

/** Builds the image and brings it, with all that the chart needs besides, onto the node. Its size in bytes. */
export async function bringImages(node, tag) {
  await buildBusbar({ tag, base: node.bases });
  const images = [tag];
  if (node.bases) {
    await standIn({ bases: node.bases, base: 'kafka:4.1', tag: 'stand-in-kafka:4.1.1', file: 'kafka.Dockerfile' });
    await standIn({ bases: node.bases, base: 'postgres:15', tag: 'stand-in-postgres:15', file: 'postgres.Dockerfile' });
    images.push({ tag: 'stand-in-kafka:4.1.1', as: 'apache/kafka:4.1.1' });
    images.push({ tag: 'stand-in-postgres:15', as: 'postgres:15' });
  }
  if (!node.importImages) {
    throw new Plain('The node takes no images: name a command by BUSBAR_KUBERNETES_IMPORT that imports an archive.');
  }
  const archive = join(root, '.cache', `images-${process.pid}.tar`);
  try {
    await saveImages(images, archive);
    await node.importImages(archive);
  } finally {
    rmSync(archive, { force: true });
  }
  return imageBytes(tag);
}
