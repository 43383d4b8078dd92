import { LIGHT, styleSheet } from '@busbar/ui';
import { createRoot } from 'react-dom/client';
import { config } from 'zod';
import { App } from './app.js';
import './console.css';
import { takeSetupCode } from './entry/setup-code.js';

// The page's policy forbids code made at run time, which zod would try.
config({ jitless: true });

const place = document.getElementById('root');
if (place === null) throw new TypeError('index.html has no #root');

const sheet = document.createElement('style');
sheet.textContent = styleSheet(LIGHT);
document.head.prepend(sheet);
takeSetupCode(window);
createRoot(place).render(<App />);
