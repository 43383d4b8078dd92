// npm run test:kubernetes [seconds]: the chart on a real node. Seconds: how long pods are deleted at random (180).
import { checkChart, checkDocs } from './kubernetes/chart-checks.mjs';
import { tryCounted } from './kubernetes/counted-run.mjs';
import { tryExample } from './kubernetes/example-site.mjs';
import { bringImages } from './kubernetes/images.mjs';
import { findNode } from './kubernetes/node.mjs';
import { fetchHelm } from './kubernetes/programs.mjs';
import { Promises } from './kubernetes/promises.mjs';
import { failed, prepare } from './prepare.mjs';
import { closing } from './stages.mjs';

const MEGABYTES = 300;

async function tryChart(promises) {
  await promises.try('schema and table of values are as values.yaml says', checkDocs);
  for (const version of ['3.18', '4.1']) {
    const helm = await fetchHelm(version);
    const title = `Helm ${version} lints and renders every variation and refuses what is wrong`;
    await promises.try(title, () => checkChart(helm), helm !== undefined);
  }
}

async function main() {
  await prepare();
  const seconds = Number(process.argv[2] ?? 180);
  const node = await findNode();
  if (!node) {
    process.stdout.write(
      'No Kubernetes node: set KUBECONFIG, install k3s, or name a script by BUSBAR_KUBERNETES_NODE.\n\n',
    );
    process.stdout.write('0 passed, 0 failed, 1 skipped\n');
    return;
  }
  process.stdout.write(`\nOn ${node.what}\n`);
  const promises = new Promises();
  const tag = `test-${Date.now().toString(36)}`;
  try {
    await tryChart(promises);
    const hasImages = await promises.try(
      `the image builds from its Dockerfile and has at most ${MEGABYTES} MB`,
      async () => {
        const megabytes = (await bringImages(node, `busbar:${tag}`)) / 1e6;
        if (megabytes > MEGABYTES) throw new Error(`it has ${megabytes} MB`);
        return `${megabytes} MB`;
      },
    );
    if (hasImages) {
      await tryExample(node, promises, { image: `busbar:${tag}`, tag });
      await tryCounted(node, promises, { tag, seconds });
    }
  } finally {
    await node.stop();
  }
  process.stdout.write(`\n${closing(promises.total)}\n`);
  process.exit(promises.total.failed === 0 ? 0 : 1);
}

main().catch(failed);
