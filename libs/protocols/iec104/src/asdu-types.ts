import { VALUE_CODEC, type ValueCodec } from './value-codec.js';

/**
 * Every information element: one mask of reserved bits per octet (IEC 60870-5-101 §7.2.6). CP24 and CP56 use bit 6 of
 * the minute for "substituted".
 */
const ELEMENTS = {
  SIQ: [0x0e],
  DIQ: [0x0c],
  QDS: [0x0e],
  VTI: [0],
  BSI: [0, 0, 0, 0],
  NVA: [0, 0],
  SVA: [0, 0],
  R32: [0, 0, 0, 0],
  BCR: [0, 0, 0, 0, 0],
  SCD: [0, 0, 0, 0],
  SEP: [0x04],
  SPE: [0xc0],
  OCI: [0xf0],
  QDP: [0x07],
  SCO: [0x02],
  DCO: [0],
  RCO: [0],
  QOS: [0],
  COI: [0],
  QOI: [0],
  QCC: [0],
  QRP: [0],
  QPM: [0],
  QPA: [0],
  FBP: [0, 0],
  TSC: [0, 0],
  CP16: [0, 0],
  CP24: [0, 0, 0],
  CP56: [0, 0, 0, 0x60, 0, 0xf0, 0x80],
  /** File elements are carried as octets: name, section, length, qualifiers. */
  FILE4: [0, 0, 0, 0],
  FILE5: [0, 0, 0, 0, 0],
  FILE6: [0, 0, 0, 0, 0, 0],
  FILE7: [0, 0, 0, 0, 0, 0, 0],
  FILE13: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  FILE16: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
} as const;

type ElementName = keyof typeof ELEMENTS;

/** Type identification and elements of one object. `SQ`: consecutive addresses may share one (§7.2.2.1). */
const TYPES = {
  M_SP_NA_1: [1, 'SIQ', 'SQ'],
  M_SP_TA_1: [2, 'SIQ CP24'],
  M_DP_NA_1: [3, 'DIQ', 'SQ'],
  M_DP_TA_1: [4, 'DIQ CP24'],
  M_ST_NA_1: [5, 'VTI QDS', 'SQ'],
  M_ST_TA_1: [6, 'VTI QDS CP24'],
  M_BO_NA_1: [7, 'BSI QDS', 'SQ'],
  M_BO_TA_1: [8, 'BSI QDS CP24'],
  M_ME_NA_1: [9, 'NVA QDS', 'SQ'],
  M_ME_TA_1: [10, 'NVA QDS CP24'],
  M_ME_NB_1: [11, 'SVA QDS', 'SQ'],
  M_ME_TB_1: [12, 'SVA QDS CP24'],
  M_ME_NC_1: [13, 'R32 QDS', 'SQ'],
  M_ME_TC_1: [14, 'R32 QDS CP24'],
  M_IT_NA_1: [15, 'BCR', 'SQ'],
  M_IT_TA_1: [16, 'BCR CP24'],
  M_EP_TA_1: [17, 'SEP CP16 CP24'],
  M_EP_TB_1: [18, 'SPE QDP CP16 CP24'],
  M_EP_TC_1: [19, 'OCI QDP CP16 CP24'],
  M_PS_NA_1: [20, 'SCD QDS', 'SQ'],
  M_ME_ND_1: [21, 'NVA', 'SQ'],
  M_SP_TB_1: [30, 'SIQ CP56'],
  M_DP_TB_1: [31, 'DIQ CP56'],
  M_ST_TB_1: [32, 'VTI QDS CP56'],
  M_BO_TB_1: [33, 'BSI QDS CP56'],
  M_ME_TD_1: [34, 'NVA QDS CP56'],
  M_ME_TE_1: [35, 'SVA QDS CP56'],
  M_ME_TF_1: [36, 'R32 QDS CP56'],
  M_IT_TB_1: [37, 'BCR CP56'],
  M_EP_TD_1: [38, 'SEP CP16 CP56'],
  M_EP_TE_1: [39, 'SPE QDP CP16 CP56'],
  M_EP_TF_1: [40, 'OCI QDP CP16 CP56'],
  C_SC_NA_1: [45, 'SCO'],
  C_DC_NA_1: [46, 'DCO'],
  C_RC_NA_1: [47, 'RCO'],
  C_SE_NA_1: [48, 'NVA QOS'],
  C_SE_NB_1: [49, 'SVA QOS'],
  C_SE_NC_1: [50, 'R32 QOS'],
  C_BO_NA_1: [51, 'BSI'],
  C_SC_TA_1: [58, 'SCO CP56'],
  C_DC_TA_1: [59, 'DCO CP56'],
  C_RC_TA_1: [60, 'RCO CP56'],
  C_SE_TA_1: [61, 'NVA QOS CP56'],
  C_SE_TB_1: [62, 'SVA QOS CP56'],
  C_SE_TC_1: [63, 'R32 QOS CP56'],
  C_BO_TA_1: [64, 'BSI CP56'],
  M_EI_NA_1: [70, 'COI'],
  C_IC_NA_1: [100, 'QOI'],
  C_CI_NA_1: [101, 'QCC'],
  C_RD_NA_1: [102, ''],
  C_CS_NA_1: [103, 'CP56'],
  C_TS_NA_1: [104, 'FBP'],
  C_RP_NA_1: [105, 'QRP'],
  C_CD_NA_1: [106, 'CP16'],
  C_TS_TA_1: [107, 'TSC CP56'],
  P_ME_NA_1: [110, 'NVA QPM'],
  P_ME_NB_1: [111, 'SVA QPM'],
  P_ME_NC_1: [112, 'R32 QPM'],
  P_AC_NA_1: [113, 'QPA'],
  F_FR_NA_1: [120, 'FILE6'],
  F_SR_NA_1: [121, 'FILE7'],
  F_SC_NA_1: [122, 'FILE4'],
  F_LS_NA_1: [123, 'FILE5'],
  F_AF_NA_1: [124, 'FILE4'],
  /** A segment: its fourth octet counts the octets that follow. */
  F_SG_NA_1: [125, 'FILE4'],
  F_DR_TA_1: [126, 'FILE13', 'SQ'],
  F_SC_NB_1: [127, 'FILE16'],
} as const satisfies Record<string, readonly [number, string, 'SQ'?]>;

export type AsduTypeName = keyof typeof TYPES;

/** Type identifications by name: `ASDU_TYPE.M_ME_NC_1` is 13. */
export const ASDU_TYPE = Object.fromEntries(Object.entries(TYPES).map(([name, [id]]) => [name, id])) as {
  readonly [Name in AsduTypeName]: (typeof TYPES)[Name][0];
};

/** Which part of the octet after the value a command or parameter keeps for itself; `QU` shares that of the value. */
export type QualifierForm = 'QU' | 'QL' | 'QPM';

/** Offsets count from the first octet after the object address; -1 where the type has no such field. */
export interface AsduType {
  readonly id: number;
  readonly name: AsduTypeName;
  readonly direction: 'monitor' | 'control' | 'both';
  /** Whether SQ = 1 is sent. */
  readonly isSequenceAllowed: boolean;
  /** Whether SQ = 1 is taken: also with the types that have a time, because common stations send that. */
  readonly isSequenceUnderstood: boolean;
  /** False for the types with CP24, which belong to IEC 60870-5-101: understood, never sent. */
  readonly isSent: boolean;
  /** Octets of one object without its address; of a file segment those before its data. */
  readonly elementOctets: number;
  readonly value: ValueCodec | null;
  readonly valueAt: number;
  readonly qualityAt: number;
  /** QUALITY_BIT bits that the type has. */
  readonly qualityMask: number;
  readonly qualifierAt: number;
  readonly qualifier: QualifierForm | null;
  readonly isStep: boolean;
  /** Where a total keeps its sequence number, CY and CA. */
  readonly totalAt: number;
  readonly elapsedAt: number;
  readonly timeAt: number;
  /** 3 for CP24, 7 for CP56, else 0. */
  readonly timeOctets: 0 | 3 | 7;
  readonly isFile: boolean;
  readonly isSegment: boolean;
  /** Pairs of offset and mask, only where a mask is not 0. */
  readonly reserved: readonly (readonly [number, number])[];
}

type Layout = { -readonly [Field in keyof AsduType]: AsduType[Field] };

const VALUES: Partial<Record<ElementName, ValueCodec>> = {
  SIQ: VALUE_CODEC.bit,
  DIQ: VALUE_CODEC.twoBits,
  VTI: VALUE_CODEC.step,
  BSI: VALUE_CODEC.uint32,
  NVA: VALUE_CODEC.normalized,
  SVA: VALUE_CODEC.scaled,
  R32: VALUE_CODEC.float,
  BCR: VALUE_CODEC.int32,
  SCD: VALUE_CODEC.uint32,
  SEP: VALUE_CODEC.twoBits,
  SPE: VALUE_CODEC.sixBits,
  OCI: VALUE_CODEC.fourBits,
  SCO: VALUE_CODEC.bit,
  DCO: VALUE_CODEC.twoBits,
  RCO: VALUE_CODEC.twoBits,
  COI: VALUE_CODEC.octet,
  QOI: VALUE_CODEC.octet,
  QCC: VALUE_CODEC.octet,
  QRP: VALUE_CODEC.octet,
  QPA: VALUE_CODEC.octet,
  FBP: VALUE_CODEC.uint16,
  TSC: VALUE_CODEC.uint16,
};

const QUALITY_MASKS: Partial<Record<ElementName, number>> = {
  SIQ: 0xf0,
  DIQ: 0xf0,
  QDS: 0xf1,
  SEP: 0xf8,
  QDP: 0xf8,
};

const QUALIFIERS: Partial<Record<ElementName, QualifierForm>> = {
  SCO: 'QU',
  DCO: 'QU',
  RCO: 'QU',
  QOS: 'QL',
  QPM: 'QPM',
};

function emptyLayout(name: AsduTypeName): Layout {
  const [id, , sequence] = TYPES[name] as readonly [number, string, 'SQ'?];
  const area = name.charAt(0);
  return {
    id,
    name,
    direction: area === 'F' ? 'both' : area === 'M' ? 'monitor' : 'control',
    isSequenceAllowed: sequence === 'SQ',
    isSequenceUnderstood: sequence === 'SQ' || (area === 'M' && id < 45),
    isSent: true,
    elementOctets: 0,
    value: null,
    valueAt: -1,
    qualityAt: -1,
    qualityMask: 0,
    qualifierAt: -1,
    qualifier: null,
    isStep: false,
    totalAt: -1,
    elapsedAt: -1,
    timeAt: -1,
    timeOctets: 0,
    isFile: false,
    isSegment: name === 'F_SG_NA_1',
    reserved: [],
  };
}

function toAsduType(name: AsduTypeName): AsduType {
  const layout = emptyLayout(name);
  const reserved: (readonly [number, number])[] = [];
  for (const element of TYPES[name][1].split(' ').filter((word): word is ElementName => word !== '')) {
    place(layout, element, layout.elementOctets);
    for (const [index, mask] of ELEMENTS[element].entries()) {
      if (mask !== 0) reserved.push([layout.elementOctets + index, mask]);
    }
    layout.elementOctets += ELEMENTS[element].length;
  }
  layout.reserved = reserved;
  return Object.freeze(layout);
}

function place(layout: Layout, element: ElementName, at: number): void {
  const value = VALUES[element];
  if (value !== undefined) {
    layout.value = value;
    layout.valueAt = at;
  }
  const mask = QUALITY_MASKS[element];
  if (mask !== undefined) {
    layout.qualityAt = at;
    layout.qualityMask = mask;
  }
  const qualifier = QUALIFIERS[element];
  if (qualifier !== undefined) {
    layout.qualifier = qualifier;
    layout.qualifierAt = at;
  }
  layout.isStep ||= element === 'VTI';
  layout.isFile ||= element.startsWith('FILE');
  if (element === 'BCR') {
    layout.totalAt = at + 4;
    layout.qualityAt = at + 4;
    layout.qualityMask = 0x80;
  } else if (element === 'CP16') {
    // Alone it is the value itself: the delay of C_CD.
    if (layout.value === null) {
      layout.value = VALUE_CODEC.uint16;
      layout.valueAt = at;
    } else {
      layout.elapsedAt = at;
    }
  } else if (element === 'CP24' || element === 'CP56') {
    layout.timeAt = at;
    layout.timeOctets = element === 'CP24' ? 3 : 7;
    layout.isSent = element === 'CP56';
  }
}

const ALL: readonly AsduType[] = (Object.keys(TYPES) as AsduTypeName[]).map(toAsduType);
const BY_ID: readonly (AsduType | undefined)[] = Array.from({ length: 256 }, (_, id) =>
  ALL.find((type) => type.id === id),
);

/** Every type that is understood, by id. */
export const ASDU_TYPES: readonly AsduType[] = ALL;

/** The type of this identification; undefined for one that is not understood (answered by cause 44). */
export function asduType(id: number): AsduType | undefined {
  return BY_ID[id];
}
