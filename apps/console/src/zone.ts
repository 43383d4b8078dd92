import { createContext } from 'react';

/** Sets the zone that times are shown in: the site's, once it is known. */
export const ZoneContext = createContext<(zone: string) => void>(() => undefined);
