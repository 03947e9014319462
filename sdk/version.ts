/** As package.json has it: a test holds them together, since nothing can be read beside a bundle. */
export const version = "0.1.0";
