import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * RocketMQ's own client, as applications have it. Prints a line for each message: "sent BROKER ID", "failed REASON", "got BROKER ID".
 * Usage: Client produce NAMESRV TOPIC POLL_MS EVERY_MS | Client consume NAMESRV TOPIC POLL_MS. NAMESRV "http://HOST:PORT": it is
 * asked for the name servers instead.
 */
public class Client {
    static final int SEND_TIMEOUT_MS = 1000;

    public static void main(String[] args) throws Exception {
        String names = args[1];
        if (names.startsWith("http://")) {
            System.setProperty("rocketmq.namesrv.domain", names.substring("http://".length()));
        }
        if (args[0].equals("produce")) produce(names, args[2], Integer.parseInt(args[3]), Long.parseLong(args[4]));
        else consume(names, args[2], Integer.parseInt(args[3]));
    }

    static void produce(String names, String topic, int pollMs, long everyMs) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("world-producer");
        if (!names.startsWith("http://")) producer.setNamesrvAddr(names);
        producer.setPollNameServerInterval(pollMs);
        producer.setSendMsgTimeout(SEND_TIMEOUT_MS);
        producer.setVipChannelEnabled(false);
        producer.start();
        System.out.println("started");
        for (long sent = 0; ; sent++) {
            String id = ProcessHandle.current().pid() + "-" + sent;
            try {
                SendResult result = producer.send(new Message(topic, id.getBytes()));
                System.out.println("sent " + result.getMessageQueue().getBrokerName() + " " + id);
            } catch (Exception e) {
                System.out.println("failed " + String.valueOf(e.getMessage()).split("\n")[0]);
            }
            Thread.sleep(everyMs);
        }
    }

    static void consume(String names, String topic, int pollMs) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("world-consumer");
        consumer.setNamesrvAddr(names);
        consumer.setPollNameServerInterval(pollMs);
        consumer.setVipChannelEnabled(false);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : (List<MessageExt>) messages) {
                System.out.println("got " + context.getMessageQueue().getBrokerName() + " " + new String(message.getBody()));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        System.out.println("started");
        Thread.sleep(Long.MAX_VALUE);
    }
}
