import { type Contender, raiseStage, type Settings, type Stage } from "../../test/world/failover/stage.ts";
import { openWorld, type World } from "../../test/world/world.ts";

/** A world for each contender, raised when it is needed: all of them stand together, so that turns cost no start. */
export interface Stages extends AsyncDisposable {
  of(contender: Contender): Promise<Stage>;
  /** The next one asked for is a new one. */
  drop(contender: Contender): Promise<void>;
}

/** @param policy of every set, for arbiters */
export function createStages(settings: Settings, policy: Readonly<Record<string, unknown>> = {}): Stages {
  const standing = new Map<Contender, { readonly world: World; readonly stage: Stage }>();

  const drop = async (contender: Contender): Promise<void> => {
    await standing.get(contender)?.world[Symbol.asyncDispose]();
    standing.delete(contender);
  };
  return {
    async of(contender) {
      const known = standing.get(contender);
      if (known !== undefined) return known.stage;
      const world = await openWorld();
      try {
        const stage = await raiseStage(world, { contender, settings, arbiters: { policy } });
        standing.set(contender, { world, stage });
        return stage;
      } catch (error) {
        await world[Symbol.asyncDispose]();
        throw error;
      }
    },
    drop,
    async [Symbol.asyncDispose]() {
      for (const contender of [...standing.keys()]) await drop(contender);
    },
  };
}
