import { LIGHT, styleSheet } from '@busbar/ui';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import './console.css';
import { takeSetupCode } from './entry/setup-code.js';

const place = document.getElementById('root');
if (place === null) throw new TypeError('index.html has no #root');

const sheet = document.createElement('style');
sheet.textContent = styleSheet(LIGHT);
document.head.prepend(sheet);
takeSetupCode(window);
createRoot(place).render(<App />);
