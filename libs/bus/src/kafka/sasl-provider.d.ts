/** The mechanisms of kafkajs, which it does not declare one by one. */
declare module 'kafkajs/src/broker/saslAuthenticator/*.js' {
  type Given = { readonly username: string; readonly password: string };
  const provider: (sasl: Given) => import('kafkajs').Mechanism['authenticationProvider'];
  export default provider;
}
