import type { ErrorEntry } from '../catalog.js';

/** What validation finds in a resource package; codes of rules that are not built yet come with them. */
export const PACKAGE_ERRORS = {
  NOT_BUILT: {
    sentence: '{thing} is not built yet in this version of Busbar.',
    fix: 'Take it out, or use a version that has it.',
    retry: 'fix',
  },
  PACKAGE_INVALID: {
    sentence: 'The package in {folder} has {count} errors.',
    fix: 'Correct them; each is listed with file, line and column.',
    retry: 'fix',
  },
  PACKAGE_MANIFEST: {
    sentence: 'There is no busbar.yaml in this folder.',
    fix: 'Write one with `apiVersion` and `site`, or name the right folder.',
    retry: 'fix',
  },
  PACKAGE_API_VERSION: {
    sentence: 'apiVersion {version} is unknown to this Busbar.',
    fix: 'Write busbar/v1, or update Busbar.',
    retry: 'fix',
  },
  PACKAGE_LIMIT: {
    sentence: '{thing} has {actual}, at most {limit} is allowed.',
    fix: 'Split it.',
    retry: 'fix',
  },
  PACKAGE_PATH: {
    sentence: 'The path {path} leaves the package, or stands in it twice.',
    fix: 'Take it out of the package.',
    retry: 'fix',
  },
  PACKAGE_FILE: {
    sentence: '{file} is not read: package files end with .yaml.',
    fix: 'Call it {name}.',
    retry: 'fix',
  },
  PACKAGE_ENCODING: {
    sentence: '{file} is not UTF-8 from here on.',
    fix: 'Save it as UTF-8.',
    retry: 'fix',
  },
  PACKAGE_LOCK: {
    sentence: 'Line {line} of the lock cannot be read ({code}).',
    fix: 'Take busbar.lock from the last commit.',
    retry: 'fix',
  },
  PARAM_UNKNOWN: {
    sentence: '{name} is not defined here; known: {known}.',
    fix: 'Write a known name, or $$ for a dollar.',
    retry: 'fix',
  },
  PARAM_VALUE: {
    sentence: '{name} = {value} is not {rule}.',
    fix: 'Give a value that is.',
    retry: 'fix',
  },
  EACH_SIZE: {
    sentence: '`each` gives {rows} rows.',
    fix: 'Give 1 to 10,000.',
    retry: 'fix',
  },
  YAML_SYNTAX: {
    sentence: 'This is not YAML: {reason}.',
    fix: '{expected}',
    retry: 'fix',
  },
  YAML_FEATURE: {
    sentence: 'In a package there cannot be {feature}: it would hide where a value comes from.',
    fix: 'Use `each`, or write the value out.',
    retry: 'fix',
  },
  YAML_DUPLICATE_KEY: {
    sentence: '{key} is already at line {line}.',
    fix: 'Keep one.',
    retry: 'fix',
  },
  YAML_EMPTY: {
    sentence: '{field} has no value.',
    fix: 'Give one, or take the line out.',
    retry: 'fix',
  },
  SECTION_UNKNOWN: {
    sentence: 'There is no section {section}.',
    fix: 'Write {sections}.',
    retry: 'fix',
  },
  FIELD_UNKNOWN: {
    sentence: 'No {kind} has a field {field}.',
    fix: 'Write {allowed}, or update Busbar if the field is newer.',
    retry: 'fix',
  },
  FIELD_MISSING: {
    sentence: '{kind} {id} lacks {field}.',
    fix: 'Add it, for example `{sample}`.',
    retry: 'fix',
  },
  FIELD_TYPE: {
    sentence: '{field} wants {wanted}, this is {actual}.',
    fix: 'Write {example}.',
    retry: 'fix',
  },
  FIELD_VALUE: {
    sentence: '{value} is not allowed for {field}.',
    fix: 'Write {allowed}.',
    retry: 'fix',
  },
  ID_INVALID: {
    sentence: '"{id}" cannot be the id of a {kind}.',
    fix: 'Begin with a letter, then letters, digits, `_ . -`, at most 128.',
    retry: 'fix',
  },
  ID_DUPLICATE: {
    sentence: '{kind} {id} is also in {place}.',
    fix: 'Rename or remove one.',
    retry: 'fix',
  },
  ID_CASE: {
    sentence: '{a} and {b} differ in case only, or are the same.',
    fix: 'Rename one.',
    retry: 'fix',
  },
  REFERENCE_UNKNOWN: {
    sentence: 'There is no {kind} {id}.',
    fix: 'Write {suggestion}.',
    retry: 'fix',
  },
  REFERENCE_AMBIGUOUS: {
    sentence: 'Protocol {protocol} has the versions {versions}.',
    fix: 'Write {example}.',
    retry: 'fix',
  },
  RENAME_SOURCE: {
    sentence: '`was: {id}`, but {id} still exists.',
    fix: 'Remove one of the two.',
    retry: 'fix',
  },
  REMOVE_UNKNOWN: {
    sentence: 'Nothing inherited or made is called {id}.',
    fix: 'Delete the line, or correct the id.',
    retry: 'fix',
  },
  SELECTOR_EMPTY: {
    sentence: '{selector} matches nothing.',
    fix: 'Correct or delete it.',
    retry: 'fix',
  },
  SECRET_LITERAL: {
    sentence: '{field} holds a secret in plain text.',
    fix: 'Write `secret:<path>`, and change the secret: it has been seen.',
    retry: 'fix',
  },
  CSV_ROW: {
    sentence: 'The row has {cells} cells, the header has {columns}.',
    fix: 'Quote cells with commas.',
    retry: 'fix',
  },
  CSV_COLUMN: {
    sentence: 'Column {column} {problem}.',
    fix: 'Write {columns}.',
    retry: 'fix',
  },
  CSV_NUMBER: {
    sentence: '"{value}" is no number for {column}.',
    fix: 'Write a decimal point and no unit: {example}.',
    retry: 'fix',
  },
  CSV_QUOTE: {
    sentence: 'A quoted cell has no proper end: {reason}.',
    fix: 'Close the quote; write a quote within as "".',
    retry: 'fix',
  },
  MODEL_CYCLE: {
    sentence: 'Model {model} extends itself.',
    fix: 'Remove one `extends`.',
    retry: 'fix',
  },
  MODEL_OVERRIDE: {
    sentence: '{point} is inherited with {before}; it cannot get {after}.',
    fix: 'Use another id.',
    retry: 'fix',
  },
  MODEL_TYPE_FROZEN: {
    sentence: '{point} was published as {before}; it cannot become {after}.',
    fix: 'Use another id; the old one keeps its history.',
    retry: 'fix',
  },
  MODEL_VALUES: {
    sentence: '{point} {problem}.',
    fix: 'Give an enum its `values`, with keys that are all integers or all texts; nothing else has them.',
    retry: 'fix',
  },
  UNIT_UNKNOWN: {
    sentence: 'The unit {unit} is unknown; nothing is converted.',
    fix: 'Write {suggestion}, if that is meant.',
    retry: 'fix',
  },
  DRIVER_UNKNOWN: {
    sentence: '{driver} is not installed.',
    fix: 'Write {installed}, or add its plug-in.',
    retry: 'fix',
  },
  PROTOCOL_DRIVER: {
    sentence: 'Protocol {protocol} is for {driver}, the connection speaks {other}.',
    fix: 'Use another protocol or connection.',
    retry: 'fix',
  },
  VARIANT_UNKNOWN: {
    sentence: '{protocol} has no variant {variant}.',
    fix: 'Write {variants}.',
    retry: 'fix',
  },
  CONNECTION_FIELD: {
    sentence: '{driver} refuses {field}: {reason}.',
    fix: '{fix}',
    retry: 'fix',
  },
  CONNECTION_SHARED: {
    sentence: '{a} and {b} use the same {line}.',
    fix: 'Make them one connection with the devices of both.',
    retry: 'fix',
  },
  DEVICE_ADDRESS: {
    sentence: '{a} and {b} both are {address}.',
    fix: 'Change one.',
    retry: 'fix',
  },
  DEVICE_EMPTY: {
    sentence: '{device} has no tags.',
    fix: 'Give it `protocol`, `table` or `tags`.',
    retry: 'fix',
  },
  TAG_ADDRESS: {
    sentence: '"{address}" is not a {driver} address: {reason}.',
    fix: '{fix}',
    retry: 'fix',
  },
  TAG_TYPE: {
    sentence: 'The type {type} of {tag} does not fit: {reason}.',
    fix: '{fix}',
    retry: 'fix',
  },
  TAG_ACCESS: {
    sentence: 'The access of {tag} does not fit: {reason}.',
    fix: '{fix}',
    retry: 'fix',
  },
  TAG_LENGTH: {
    sentence: 'The length of {tag} does not fit: {reason}.',
    fix: '{fix}',
    retry: 'fix',
  },
  TAG_TWICE: {
    sentence: '{a} and {b} read the same thing.',
    fix: 'Keep one.',
    retry: 'fix',
  },
  TAG_SCALE: {
    sentence: '{tag} cannot be scaled so: {reason}.',
    fix: 'Correct it.',
    retry: 'fix',
  },
  TAG_INVALID: {
    sentence: '{value} is no value of {tag}, which is {type}.',
    fix: 'Write raw values of that type.',
    retry: 'fix',
  },
  GROUP_UNKNOWN: {
    sentence: 'There is no group {group}.',
    fix: 'Write {groups}, or a period such as 5s.',
    retry: 'fix',
  },
  FORMULA_SYNTAX: {
    sentence: 'This cannot be calculated, at "{rest}".',
    fix: 'Write {expected}.',
    retry: 'fix',
  },
  FORMULA_NAME: {
    sentence: '{device} has no tag {tag}.',
    fix: 'Write {suggestion}.',
    retry: 'fix',
  },
  FORMULA_TYPE: {
    sentence: '{operation} wants {wanted}, {tag} is {actual}.',
    fix: 'Use `values`, or another tag.',
    retry: 'fix',
  },
  MAP_POINT: {
    sentence: 'Model {model} has no point {point}.',
    fix: 'Write {suggestion}.',
    retry: 'fix',
  },
  MAP_TWICE: {
    sentence: '{asset}/{point} is fed by {a} and {b}.',
    fix: 'Keep one.',
    retry: 'fix',
  },
  MAP_DUTY: {
    sentence: '{point} {problem}.',
    fix: '{remedy}.',
    retry: 'fix',
  },
  MAP_VALUES: {
    sentence: '{value} is no value of {point}, or cannot be turned back for writing.',
    fix: 'Write {values}.',
    retry: 'fix',
  },
  MAP_WRITE: {
    sentence: '{point} cannot be written: {reason}.',
    fix: '{remedy}.',
    retry: 'fix',
  },
  MAP_DIMENSION: {
    sentence: '{tag} in {from} cannot become {point} in {to}.',
    fix: 'Correct a unit.',
    retry: 'fix',
  },
  TAG_UNMAPPED: {
    sentence: '{count} tags of {device} go nowhere: {tags}.',
    fix: 'Map them, or write `direct: true`.',
    retry: 'fix',
  },
  ASSET_PARENT: {
    sentence: '{asset} lies below itself.',
    fix: 'Give it another parent.',
    retry: 'fix',
  },
  ASSET_TEMPLATE: {
    sentence: '{template} is for model {model} and table {table}; here they are {other} and {otherTable}.',
    fix: 'Use another access template.',
    retry: 'fix',
  },
  ASSET_ATTRIBUTE: {
    sentence: '{asset} lacks {attribute}, which model {model} requires.',
    fix: 'Give it under `attributes`, or read it in the access template.',
    retry: 'fix',
  },
  SINK_PRODUCT: {
    sentence: 'There is no product key for {model}.',
    fix: 'Add it to `products`, or name it under `except`.',
    retry: 'fix',
  },
  SINK_IDENTITY: {
    sentence: '{a} and {b} are both {identity}.',
    fix: 'Change one.',
    retry: 'fix',
  },
  CONTROL_POINT: {
    sentence: '{point} cannot be controlled: {reason}.',
    fix: 'Make it writable, or drop it.',
    retry: 'fix',
  },
  CONTROL_TWICE: {
    sentence: '{point} has the policies {a} and {b}.',
    fix: 'Keep one.',
    retry: 'fix',
  },
  CONTROL_SOURCE: {
    sentence: 'The source {source} does not exist, or has no `control: true`.',
    fix: 'Write {sources}.',
    retry: 'fix',
  },
  CONTROL_RANGE: {
    sentence: 'The range {range} is wider than {widest} of {point}.',
    fix: 'Narrow it.',
    retry: 'fix',
  },
  LOCK_STALE: {
    sentence: 'The lock lacks {count} lines.',
    fix: 'Run `busbar lock` and commit it.',
    retry: 'fix',
  },
  LOCK_NUMBER: {
    sentence: 'Number {number} is used twice in {scope}.',
    fix: 'Keep both lines and run `busbar lock`; it renumbers the one never published.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
