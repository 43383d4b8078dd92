export { type PointUpload, UploadProfile } from './profile.js';
export { type UploadDecision, type UploadExplanation, UploadPolicy } from './upload-policy.js';
