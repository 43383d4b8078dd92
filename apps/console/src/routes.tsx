import { createBrowserRouter, Navigate } from 'react-router-dom';
import { PageFault } from './page-fault.js';
import { NotThere } from './shell/not-there.js';
import { Shell } from './shell/shell.js';

type Router = ReturnType<typeof createBrowserRouter>;

const Nothing = () => null;

export function createRoutes(): Router {
  return createBrowserRouter([
    {
      path: '/setup',
      ErrorBoundary: PageFault,
      HydrateFallback: Nothing,
      lazy: async () => ({ Component: (await import('./entry/setup-page.js')).SetupPage }),
    },
    {
      path: '/login',
      ErrorBoundary: PageFault,
      HydrateFallback: Nothing,
      lazy: async () => ({ Component: (await import('./entry/login-page.js')).LoginPage }),
    },
    {
      path: '/',
      Component: Shell,
      ErrorBoundary: PageFault,
      HydrateFallback: Nothing,
      children: [
        { index: true, element: <Navigate to="/points" replace /> },
        {
          path: 'points/:asset?/:point?',
          ErrorBoundary: PageFault,
          lazy: async () => ({ Component: (await import('./points/points-page.js')).PointsPage }),
        },
        {
          path: 'connections/:id?',
          ErrorBoundary: PageFault,
          lazy: async () => ({ Component: (await import('./connections/connections-page.js')).ConnectionsPage }),
        },
        {
          path: 'control/requests/:id?',
          ErrorBoundary: PageFault,
          lazy: async () => ({ Component: (await import('./control/requests-page.js')).RequestsPage }),
        },
        {
          path: 'system/figures',
          ErrorBoundary: PageFault,
          lazy: async () => ({ Component: (await import('./figures/figures-page.js')).FiguresPage }),
        },
        {
          path: 'files/:task?',
          ErrorBoundary: PageFault,
          lazy: async () => ({ Component: (await import('./files/files-page.js')).FilesPage }),
        },
        { path: 'control', element: <Navigate to="/control/requests" replace /> },
        { path: '*', Component: NotThere },
      ],
    },
  ]);
}
