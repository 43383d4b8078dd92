// Topics and their use agree, and every golden message still reads.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isTest } from './source.mjs';

const TOPIC = /^[a-z]+\.[a-z]+\.v\d+$/;
const PUBLISHES = /topic:\s*'([a-z]+\.[a-z]+\.v\d+)'/g;
const CONSUMES = /(?:consume|Consume|table|follow|range|own)\(\s*'([a-z]+\.[a-z]+\.v\d+)'/g;
/** Written for others by the kit, the bus or the generation library: their importers answer for them. */
const LENT = ['libs/service-kit/', 'libs/bus/', 'libs/events/'];

export const title = 'events';

async function load(root, path) {
  return import(pathToFileURL(join(root, path)).href);
}

function golden(root, topics, decode, say) {
  for (const topic of Object.keys(topics)) {
    const folder = join(root, 'libs/events/golden', topic);
    const file = `libs/events/golden/${topic}`;
    const messages = existsSync(folder) ? readdirSync(folder) : [];
    if (messages.length === 0) say(file, 1, `${topic} has no golden message: keep one per version.`);
    for (const name of messages) {
      try {
        decode(topic, name, readFileSync(join(folder, name)));
      } catch (error) {
        say(
          `${file}/${name}`,
          1,
          `the golden message no longer reads: ${error.message}. A change that breaks it is a v2 beside v1.`,
        );
      }
    }
  }
}

export async function check(tree) {
  const findings = [];
  const say = (file, line, message) => void findings.push({ file, line, message });
  const events = await load(tree.root, tree.isPlant ? 'events.mjs' : 'libs/events/dist/index.js');
  const topics = events.TOPICS;
  const produced = new Set();
  for (const { path, text } of tree.sources) {
    const app = /^apps\/([a-z-]+)\//.exec(path)?.[1];
    const lent = LENT.some((folder) => path.startsWith(folder));
    if ((!app && !lent) || isTest(path)) continue;
    const each = (pattern, judge) => {
      for (const match of text.matchAll(pattern)) {
        const line = text.slice(0, match.index).split('\n').length;
        if (!topics[match[1]]) say(path, line, `${match[1]} is no topic of libs/events.`);
        else judge(match[1], line);
      }
    };
    each(PUBLISHES, (topic, line) => {
      produced.add(topic);
      if (app && !topics[topic].producers.includes(app))
        say(path, line, `${app} is not listed as a producer of ${topic}.`);
    });
    each(CONSUMES, (topic, line) => {
      if (app && !topics[topic].consumers.includes(app))
        say(path, line, `${app} is not listed as a consumer of ${topic}.`);
    });
  }
  for (const [topic, spec] of Object.entries(topics)) {
    if (!TOPIC.test(topic)) say('libs/events/src/topics.ts', 1, `${topic} is not <nouns>.<past participle>.v<major>.`);
    if (spec.producers.length === 0 || !produced.has(topic))
      say('libs/events/src/topics.ts', 1, `${topic} is published by nobody.`);
  }
  const batch = tree.isPlant ? undefined : await load(tree.root, 'libs/batch/dist/index.js');
  golden(
    tree.root,
    topics,
    (topic, name, octets) => {
      if (name.endsWith('.json')) events.decodeJson(topic, octets);
      else batch.decodeBatch(Buffer.from(octets.toString('utf8').replaceAll(/\s/g, ''), 'hex'));
    },
    say,
  );
  return findings;
}
