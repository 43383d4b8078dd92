import k from 'kafkajs';
export { k };
