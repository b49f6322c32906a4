/** Seeds of the fault ring that found a defect, so that it is looked for again. */
export const seedsThatFound: readonly number[] = [11];
